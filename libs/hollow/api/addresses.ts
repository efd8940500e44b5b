import { type Fields, fieldsAt, isFields, type KubeObject } from '../objects.js';
import { resourceNamed } from '../resources.js';
import type { ObjectStore } from '../store.js';

const services = resourceNamed('services');

/** Gives Services their addresses and node ports; what is in use is read from the Services themselves. */
export class ServiceAddresses {
  private nextIp = 1;
  private nextNodePort = 30000;

  constructor(private readonly store: ObjectStore) {}

  /** `before`: the Service that this one replaces; it keeps its addresses. */
  assign(service: KubeObject, before: KubeObject | undefined): KubeObject {
    const spec = fieldsAt(service, 'spec');
    const old = fieldsAt(before, 'spec');
    if (spec.type === 'ExternalName') return service;
    const clusterIP = spec.clusterIP || old.clusterIP || this.freeIp();
    const next: Fields = { ...spec, clusterIP, clusterIPs: spec.clusterIPs ?? [clusterIP] };
    if (spec.ipFamilies === undefined) next.ipFamilies = old.ipFamilies ?? ['IPv4'];
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer')
      next.ports = this.withNodePorts(spec.ports, old.ports);
    return { ...service, spec: next };
  }

  private withNodePorts(ports: unknown, before: unknown): unknown {
    const old = Array.isArray(before) ? before.filter(isFields) : [];
    return (Array.isArray(ports) ? ports.filter(isFields) : []).map((port) => {
      const kept = old.find((other) => other.port === port.port && other.protocol === port.protocol);
      return { ...port, nodePort: port.nodePort ?? kept?.nodePort ?? this.takeNodePort() };
    });
  }

  private takeNodePort(): number {
    this.nextNodePort = this.nextNodePort >= 32767 ? 30000 : this.nextNodePort + 1;
    return this.nextNodePort;
  }

  private freeIp(): string {
    const used = new Set<unknown>();
    for (const service of this.store.objects(services)) used.add(fieldsAt(service, 'spec').clusterIP);
    for (;;) {
      this.nextIp = (this.nextIp + 1) % 65535;
      const ip = `10.96.${this.nextIp >> 8}.${this.nextIp & 255}`;
      if (!used.has(ip)) return ip;
    }
  }
}

import type { JsonObject } from '#domain';
import type { EnginePlugin } from '#placement';

/** One configured plug-in: what the engine knows of it, and where it runs. */
export interface PluginSettings {
  engine: EnginePlugin;
  /** It gets so long for an answer. */
  timeoutMs: number;
  /** What it refused is asked again after so long, though no change of the fleet was seen. */
  askAgainMs: number;
  /** Handed to it with every question. */
  settings: JsonObject;
  runs: PackageSettings | RemoteSettings;
}

/** A package in a worker of this process. */
export interface PackageSettings {
  as: 'package';
  /** The URL of its module (`file:`). */
  module: string;
  /** Of the package, for modules that export none. */
  version: string;
  /** Most memory of its heap. */
  memoryMb: number;
}

/** A server, over gRPC. */
export interface RemoteSettings {
  as: 'grpc';
  /** host:port. */
  address: string;
  /** Undefined: plain text. PEM. */
  tls: { authority?: Buffer; certificate?: Buffer; privateKey?: Buffer; serverName?: string } | undefined;
  /** Sent as `authorization: Bearer …`. */
  token: string | undefined;
}

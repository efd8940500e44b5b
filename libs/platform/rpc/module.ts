import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { RpcServer, type RpcServerOptions } from './server.js';
import { type BoundService, bindDiscovered, rpcServiceOf } from './service.js';

const optionsToken = Symbol('berth:rpc-options');

/** Finds the controllers marked with RpcService and serves them for as long as the Nest application lives. */
@Injectable()
export class RpcHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #server: RpcServer<unknown> | undefined;

  constructor(
    @Inject(optionsToken) private readonly options: RpcServerOptions<unknown>,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
  ) {}

  /** The running server. */
  get server(): RpcServer<unknown> {
    if (this.#server === undefined) throw new Error(`${this.options.app}: the RPC server is not started`);
    return this.#server;
  }

  async onApplicationBootstrap(): Promise<void> {
    const server = new RpcServer(this.options, this.#discover());
    await server.start();
    this.#server = server;
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#server?.close();
  }

  #discover(): BoundService[] {
    const found = new Map<string, BoundService>();
    for (const { instance, metatype } of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      if (typeof instance !== 'object' || instance === null || typeof metatype !== 'function') continue;
      const service = rpcServiceOf(metatype);
      if (service === undefined) continue;
      if (found.has(service.typeName)) throw new Error(`${service.typeName} has two controllers`);
      found.set(service.typeName, bindDiscovered(service, instance));
    }
    return [...found.values()];
  }
}

/** Where the options come from when they need other providers. */
export interface RpcModuleAsyncOptions<P> extends Pick<FactoryProvider, 'inject'>, Pick<DynamicModule, 'imports'> {
  useFactory: (...args: never[]) => RpcServerOptions<P> | Promise<RpcServerOptions<P>>;
}

const rpcModule = (imports: NonNullable<DynamicModule['imports']>, options: Provider): DynamicModule => ({
  module: RpcModule,
  imports: [DiscoveryModule, ...imports],
  providers: [options, RpcHost],
  exports: [RpcHost],
});

/** Serves every provider marked with RpcService. `app.get(RpcHost).server` has the addresses. */
@Module({})
export class RpcModule {
  static forRoot<P>(options: RpcServerOptions<P>): DynamicModule {
    return rpcModule([], { provide: optionsToken, useValue: options });
  }

  static forRootAsync<P>({ imports = [], inject = [], useFactory }: RpcModuleAsyncOptions<P>): DynamicModule {
    return rpcModule(imports, { provide: optionsToken, inject, useFactory });
  }
}

export * from './gen/berth/plugin/v1/placement_plugin_pb.js';

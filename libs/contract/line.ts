export * from './gen/berth/agent/v1/agent_service_pb.js';
export * from './gen/berth/agent/v1/enrolment_service_pb.js';
export * from './gen/berth/agent/v1/tunnel_service_pb.js';

export { readTunnelTargets, type TunnelTarget } from './targets.js';
export { insertTickets, type NewTicket, type RedeemedTicket, redeemTicket } from './tickets.js';

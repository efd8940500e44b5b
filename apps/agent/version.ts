/** What the agent says of itself. */
export const agentVersion = '0.1.0';

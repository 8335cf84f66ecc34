// BotWire: shared, persistent memory for teams of AI agents. Everything public is here; the other modules are private.

export * from "./errors.js";
export { RawJSON } from "./json.js";
export { Lease, Task } from "./leases.js";
export { Memory } from "./memory.js";
export { Transaction } from "./transactions.js";
export { Watch } from "./waiting.js";

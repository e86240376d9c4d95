/** Structured logs: one fact, one line, no secrets and no bodies. For shells; pure rooms return what there is to say. */
export const log = (fact: string, details: Record<string, unknown>): void =>
  console.log(JSON.stringify({ fact, ...details }));

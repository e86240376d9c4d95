/** What handlers share: bindings, configuration and the request's own id. */
import type { Context } from "hono";
import type { Config, Env } from "../env.ts";
import type { Caller } from "./auth.ts";

export interface AppEnv {
  Bindings: Env;
  Variables: {
    config: Config;
    /** Whose key it is, behind requireKey. */
    caller: Caller;
    /** Goes back in `x-request-id`, and into log lines. */
    requestId: string;
  };
}
export type AppContext = Context<AppEnv>;

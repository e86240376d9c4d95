/** What handlers share: bindings, configuration and the request's own id. */
import type { Context } from "hono";
import type { Config, Env } from "../env.ts";

export interface AppEnv {
  Bindings: Env;
  Variables: {
    config: Config;
    /** Goes back in `x-request-id`, and into log lines. */
    requestId: string;
  };
}
export type AppContext = Context<AppEnv>;

/** Mailjet's dialect, put together: /v3.1/send and what stands beside it under /v3/REST. */
import { Hono } from "hono";
import type { AppContext, AppEnv } from "../context.ts";
import { caught } from "../errors.ts";
import { requireMailjetKey } from "./auth.ts";
import { callbacks } from "./callbacks.ts";
import { counters } from "./counters.ts";
import { refuse, refuseProblem } from "./errors.ts";
import { messages } from "./messages.ts";
import { send } from "./send.ts";
import { statistics } from "./statistics.ts";

export const mailjet = new Hono<AppEnv>();

mailjet.use("/v3.1/*", requireMailjetKey);
mailjet.use("/v3/*", requireMailjetKey);
mailjet.route("/", send);
mailjet.route("/", messages);
mailjet.route("/", statistics);
mailjet.route("/", counters);
mailjet.route("/", callbacks);

/** What is served by another method: 405 instead of 404. */
const METHODS: readonly [path: RegExp, methods: readonly string[]][] = [
  [/^\/v3\.1\/send\/?$/, ["POST"]],
  [
    /^\/v3\/REST\/(message|messagehistory|messageinformation|openinformation|clickstatistics|bouncestatistics|statcounters)(\/[^/]*)?$/,
    ["GET"],
  ],
  [/^\/v3\/REST\/eventcallbackurl$/, ["GET", "POST"]],
  [/^\/v3\/REST\/eventcallbackurl\/[^/]*$/, ["GET", "PUT", "DELETE"]],
];

const unserved = (c: AppContext): Response => {
  const { method, path } = c.req;
  const allowed = METHODS.find(([pattern]) => pattern.test(path))?.[1];
  if (allowed !== undefined) {
    c.header("Allow", allowed.join(", "));
    return refuse(c, {
      status: 405,
      code: "",
      message: `${method} is not served for ${path}; ${allowed.join(" and ")} is.`,
    });
  }
  return refuse(c, {
    status: 404,
    code: "",
    message: `${method} ${path} is not served here: this gateway speaks a part of Mailjet's API, POST /v3.1/send and what goes with it.`,
  });
};
mailjet.all("/v3.1/*", unserved);
mailjet.all("/v3/*", unserved);

mailjet.onError((cause, c) => refuseProblem(c, caught(c, cause)));

/** A new id, for what is made by a request. */
import { uuidv7 } from "../core/ids.ts";

export const newId = (now: number): string => uuidv7(now, crypto.getRandomValues(new Uint8Array(10)));

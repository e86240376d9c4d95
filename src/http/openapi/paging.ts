/** The parameters that lists share. */
import { PAGE_DEFAULT, PAGE_MAX } from "../../core/limits.ts";
import type { Parameter } from "./operation.ts";

export const PAGING: Parameter[] = [
  {
    name: "limit",
    in: "query",
    description: "How many items.",
    schema: { type: "integer", minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT },
  },
  { name: "after", in: "query", description: "Only what follows the item of this id." },
  { name: "before", in: "query", description: "Only what comes before the item of this id." },
];

/** The contract of API keys. */
import { CreateApiKey, RenameApiKey } from "../../schema/api-key.ts";
import type { Operation } from "./operation.ts";
import { PAGING } from "./paging.ts";

export const API_KEYS: Operation[] = [
  {
    method: "post",
    path: "/api-keys",
    id: "createApiKey",
    tag: "API keys",
    summary: "Make a key",
    description: "The key is in this answer and nowhere else: only its hash is kept.",
    body: CreateApiKey,
    answer: { status: 201, description: "`{object: api_key, id, token}`." },
    example: {
      body: {
        name: "Web shop",
        permission: "sending_access",
        domains: ["shop.example"],
        rate_limit: "100/m",
      },
      status: 201,
    },
  },
  {
    method: "get",
    path: "/api-keys",
    id: "listApiKeys",
    tag: "API keys",
    summary: "Keys, the newest first",
    parameters: PAGING,
    answer: { status: 200, description: "`{object: list, has_more, data}`." },
    example: { status: 200 },
  },
  {
    method: "patch",
    path: "/api-keys/{id}",
    id: "renameApiKey",
    tag: "API keys",
    summary: "Give a key another name",
    body: RenameApiKey,
    answer: { status: 200, description: "`{object: api_key, id}`." },
    example: { path: { id: "$key" }, body: { name: "Old web shop" }, status: 200 },
  },
  {
    method: "delete",
    path: "/api-keys/{id}",
    id: "revokeApiKey",
    tag: "API keys",
    summary: "Revoke a key; it is refused everywhere within 20 seconds",
    answer: { status: 200, description: "`{object: api_key, id, deleted: true}`." },
    example: { path: { id: "$key" }, status: 200 },
  },
];

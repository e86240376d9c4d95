/** The contract of what mail links to. */
import type { Operation } from "./operation.ts";

export const TRACKING: Operation[] = [
  {
    method: "get",
    path: "/o/{token}",
    id: "open",
    tag: "Tracking",
    summary: "The pixel: an image was fetched",
    access: "anyone",
    answer: { status: 200, description: "A transparent image of one pixel.", type: "image/gif" },
    example: { path: { token: "$token" }, status: 200 },
  },
  {
    method: "get",
    path: "/c/{token}/{link}",
    id: "click",
    tag: "Tracking",
    summary: "A link was followed: on to its target",
    access: "anyone",
    answer: { status: 302, description: "Location is the link as the sender wrote it." },
    example: { path: { token: "$token", link: "$link" }, status: 302 },
  },
  {
    method: "get",
    path: "/u/{token}",
    id: "unsubscribePage",
    tag: "Tracking",
    summary: "A page with a button; nothing happens by looking at it",
    access: "anyone",
    answer: { status: 200, description: "A page.", type: "text/html" },
    example: { path: { token: "$unsubscribe" }, status: 200 },
  },
  {
    method: "post",
    path: "/u/{token}",
    id: "unsubscribe",
    tag: "Tracking",
    summary: "Unsubscribes at once (RFC 8058)",
    access: "anyone",
    body: { type: "application/x-www-form-urlencoded", description: "`List-Unsubscribe=One-Click`." },
    answer: {
      status: 200,
      description: "A sentence; the form of the page is answered with a page.",
      type: "text/plain",
    },
    example: { path: { token: "$unsubscribe" }, body: "List-Unsubscribe=One-Click", status: 200 },
  },
];

/** The peer of redirect and pixel: hono answering 302 and nothing else. */
import { Hono } from "hono";

const app = new Hono();
app.get("/c/:token/:link", (c) => c.redirect("https://example.com/", 302));
app.get("/", (c) => c.text("ok"));

export default app;

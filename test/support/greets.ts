/** Whether a mail server on loopback greets. */
import { connect } from "node:net";

export const greets = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", (data) => {
      resolve(data.toString().startsWith("220"));
      socket.end("QUIT\r\n");
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });

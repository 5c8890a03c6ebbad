// A client as a user would write one, with the types and the validator that the schema gives.
import addFormats from "ajv-formats";
import { Ajv2020, type AnySchemaObject } from "ajv/dist/2020.js";
import type { ClientFrame, ServerFrame } from "./echochat.js";

// @ts-expect-error: a frame that a client may not send is no ClientFrame.
export const misspelled: ClientFrame = { type: "messages", id: "1", text: "NBA" };

export async function ask(endpoint: string, schema: AnySchemaObject, text: string): Promise<string> {
  const ajv = new Ajv2020({ strict: true });
  addFormats.default(ajv);
  const isServerFrame = ajv.compile<ServerFrame>({ $defs: schema.$defs, $ref: "#/$defs/ServerFrame" });
  const socket = new WebSocket(endpoint, "echochat.v1");
  const send = (frame: ClientFrame): void => socket.send(JSON.stringify(frame));
  return new Promise((resolve, reject) => {
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const frame: unknown = JSON.parse(data);
      if (!isServerFrame(frame)) {
        reject(new Error(ajv.errorsText(isServerFrame.errors)));
        socket.close();
      } else if (frame.type === "welcome") {
        send({ type: "message", id: "1", text });
      } else if (frame.type === "reply" && frame.in_reply_to === "1") {
        resolve(frame.text);
        socket.close();
      }
    };
  });
}

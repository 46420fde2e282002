// The messages of a WebSocket as a queue that can be awaited, in the order in which they came.

const OPEN = 1;

export class Inbox {
  /** `socket`: a WebSocket, or the promise of one. `lost` makes the error that waits at the end, from the close event. */
  constructor(socket, lost) {
    this.messages = [];
    this.unsent = [];
    this.over = false;
    this.error = null;
    this.socket = null;
    if (socket instanceof Promise) socket.then((one) => this.attach(one, lost), (error) => this.finish(error));
    else this.attach(socket, lost);
  }

  attach(socket, lost) {
    if (this.over) return socket.close();
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.unsent.splice(0).forEach((message) => this.pass(message));
    socket.onmessage = ({ data }) => {
      this.messages.push(typeof data === "string" ? JSON.parse(data) : data);
      this.wake?.();
    };
    socket.onclose = (event) => this.finish(lost(event));
    // A close event with a reason follows, but not in Node 20.
    socket.onerror = () => setTimeout(() => this.finish(lost()), 200);
  }

  /** The next message. Throws once the socket is closed and nothing is left. */
  async next() {
    while (!this.messages.length) {
      if (this.over) throw this.error;
      await new Promise((resolve) => (this.wake = resolve));
    }
    return this.messages.shift();
  }

  /** Send an object as JSON, or bytes as they are; kept until the socket is open, dropped after it closed. */
  send(message) {
    const binary = message instanceof ArrayBuffer || ArrayBuffer.isView(message);
    const data = binary ? message : JSON.stringify(message);
    if (this.isOpening) this.unsent.push(data);
    else this.pass(data);
  }

  get isOpening() {
    return !this.over && (this.socket === null || this.socket.readyState < OPEN);
  }

  pass(data) {
    if (this.socket?.readyState === OPEN) this.socket.send(data);
  }

  /** Wait until fewer than so many bytes lie unsent. */
  async drained(bytes) {
    while (!this.over && (this.isOpening || this.socket.bufferedAmount > bytes)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close() {
    if (!this.over) this.socket?.close(1000);
    this.messages.length = 0;
    this.finish(new DOMException("The request was stopped.", "AbortError"));
  }

  finish(error) {
    if (!this.over) this.error = error;
    this.over = true;
    this.wake?.();
  }
}

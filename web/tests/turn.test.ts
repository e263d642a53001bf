import { expect, test } from "vitest";
import { runTurn, TRIES, worthAnotherTry, type Means, type Progress } from "../src/chat/turn";
import { ApiError, Unreachable, type Options } from "../src/net/http";

const TURN = { assistant: "weather", subject: { userId: "ada" }, message: "hello", key: "key-1" };
const DONE = 'event: done\ndata: {"response":"Hi!","replayed":false}\n\n';

type Answer = string | Error;

/** A server that gives these answers one after the other; what it was sent, and how long was waited between. */
function server(...answers: Answer[]) {
  const sent: Record<string, unknown>[] = [];
  const waits: number[] = [];
  const means: Means = {
    request: async (_path: string, options: Options = {}) => {
      sent.push(options.body as Record<string, unknown>);
      const answer = answers[sent.length - 1] ?? answers.at(-1)!;
      if (answer instanceof Error) throw answer;
      return new Response(answer);
    },
    pause: async (seconds) => void waits.push(seconds),
  };
  return { sent, waits, means };
}

test("a turn is sent once, and its words are told as they come", async () => {
  const { sent, means } = server(`event: session\ndata: {"sessionId":"s"}\n\nevent: token\ndata: {"text":"Hi"}\n\n${DONE}`);
  const told: Progress[] = [];

  const reply = await runTurn(TURN, (progress) => told.push(progress), means);

  expect(reply.response).toBe("Hi!");
  expect(told.map((each) => each.kind)).toEqual(["session", "token"]);
  expect(sent).toEqual([{ message: "hello", assistant: "weather", messageId: "key-1", userId: "ada" }]);
});

test("every try carries the same key", async () => {
  const cut = 'event: token\ndata: {"text":"H"}\n\n';
  const { sent, waits, means } = server(new Unreachable(), cut, new ApiError(503, "shutting_down", "stopping", 1), DONE);

  const reply = await runTurn(TURN, () => undefined, means);

  expect(reply.response).toBe("Hi!");
  expect(sent.map((body) => body["messageId"])).toEqual(["key-1", "key-1", "key-1", "key-1"]);
  expect(waits).toEqual([0.5, 1, 2]);
});

test("what was shown is said anew after a cut", async () => {
  const { means } = server('event: token\ndata: {"text":"H"}\n\n', `event: token\ndata: {"text":"Hi!"}\n\n${DONE}`);
  const told: string[] = [];

  await runTurn(TURN, (each) => told.push(each.kind === "token" ? each.text : each.kind), means);

  expect(told).toEqual(["H", "waiting", "restart", "Hi!"]);
});

test("a refusal is final", async () => {
  for (const error of [
    new ApiError(422, "idempotency_mismatch", "another message"),
    new ApiError(413, "too_large", "too long"),
    new ApiError(502, "model_unavailable", "the model failed"),
    new ApiError(401, "unauthorized", "no key"),
  ]) {
    const { sent, means } = server(error);
    await expect(runTurn(TURN, () => undefined, means)).rejects.toBe(error);
    expect(sent).toHaveLength(1);
  }
});

test("an error among the events is told in the server's words, and not tried again", async () => {
  const { sent, means } = server('event: error\ndata: {"success":false,"error":"It broke","code":"model_timeout"}\n\n');
  await expect(runTurn(TURN, () => undefined, means)).rejects.toThrow("It broke");
  expect(sent).toHaveLength(1);
});

test("after ten tries it is told that nobody answers", async () => {
  const { sent, means } = server(new Unreachable());
  await expect(runTurn(TURN, () => undefined, means)).rejects.toBeInstanceOf(Unreachable);
  expect(sent).toHaveLength(TRIES);
});

test("the server's own Retry-After is kept to", () => {
  expect(worthAnotherTry(new ApiError(409, "session_busy", "", 3), 0)).toEqual({ seconds: 3, why: "busy" });
  expect(worthAnotherTry(new ApiError(429, "rate_limited", "", 7), 0)).toEqual({ seconds: 7, why: "limited" });
  expect(worthAnotherTry(new ApiError(409, "session_ended", ""), 0)).toBeNull();
  expect(worthAnotherTry(new Error("a fault of ours"), 0)).toBeNull();
});

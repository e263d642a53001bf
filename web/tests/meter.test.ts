import { expect, test } from "vitest";
import { likelyReason, meter, retold, timeLeft, whyEnded, type Known } from "../src/chat/meter";
import type { Policy, SessionInfo } from "../src/net/types";

const WEATHER: Policy = {
  duration: 1800,
  inactivity: 900,
  maxTurns: 20,
  keepTurns: 20,
  historyTtl: null,
  extension: null,
  archive: false,
  durability: "disk",
  carryOver: false,
  summarise: false,
};

const AT = 1_000_000;

function known(change: Partial<SessionInfo> = {}): Known {
  const start = Date.parse("2026-11-20T10:00:00Z");
  return {
    at: AT,
    session: {
      sessionId: "session:ada:1",
      status: "active",
      startTime: new Date(start).toISOString(),
      lastActivity: new Date(start).toISOString(),
      expiresAt: new Date(start + 900_000).toISOString(),
      remainingSeconds: 900,
      conversationCount: 1,
      remainingConversations: 19,
      endReason: null,
      ...change,
    },
  };
}

test("a fresh session is calm", () => {
  expect(meter(known(), WEATHER, AT)).toMatchObject({ level: "calm", turnsLeft: 19, secondsLeft: 900, cause: "inactivity" });
});

test("time runs by this machine's clock from when it was told", () => {
  expect(meter(known(), WEATHER, AT + 60_000).secondsLeft).toBe(840);
  expect(meter(known(), WEATHER, AT + 800_000).level).toBe("soon");
  expect(meter(known(), WEATHER, AT + 880_000).level).toBe("now");
  expect(meter(known(), WEATHER, AT + 900_000).level).toBe("over");
});

test("few messages left are warned of, too", () => {
  expect(meter(known({ remainingConversations: 4 }), WEATHER, AT).level).toBe("calm");
  expect(meter(known({ remainingConversations: 3 }), WEATHER, AT).level).toBe("soon");
  expect(meter(known({ remainingConversations: 1 }), WEATHER, AT).level).toBe("now");
  expect(meter(known({ remainingConversations: 0, status: "ended" }), WEATHER, AT)).toMatchObject({ level: "over", left: 0 });
});

test("the ring shows whichever runs out first", () => {
  expect(meter(known({ remainingConversations: 5 }), WEATHER, AT).left).toBeCloseTo(0.25);
  expect(meter(known({ remainingConversations: 18 }), WEATHER, AT + 450_000).left).toBeCloseTo(0.5);
});

test("a session that is as old as it may get ends by its duration", () => {
  const start = Date.parse("2026-11-20T10:00:00Z");
  const old = known({ expiresAt: new Date(start + 1_800_000).toISOString(), remainingSeconds: 120 });
  expect(meter(old, WEATHER, AT).cause).toBe("duration");
  expect(likelyReason(old, WEATHER)).toBe("duration");
  expect(likelyReason(known(), WEATHER)).toBe("inactivity");
  expect(likelyReason(known({ remainingConversations: 0 }), WEATHER)).toBe("conversation_limit");
});

test("unlimited turns say nothing of turns", () => {
  const policy = { ...WEATHER, duration: null, inactivity: 86_400, maxTurns: null };
  const shown = meter(known({ remainingConversations: null, remainingSeconds: 86_400 }), policy, AT);
  expect(shown).toMatchObject({ level: "calm", turnsLeft: null, left: 1 });
});

test.each([
  [0.4, "1 s"],
  [59, "59 s"],
  [61, "1:01"],
  [899.2, "15:00"],
  [3_600, "1 h"],
  [7_500, "2 h 05 min"],
  [86_399, "24 h"],
])("%d seconds are %s", (seconds, text) => expect(timeLeft(seconds)).toBe(text));

test("every reason has its sentence", () => {
  expect(whyEnded("duration", WEATHER)).toContain("30 minutes");
  expect(whyEnded("inactivity", WEATHER)).toContain("15 minutes");
  expect(whyEnded("conversation_limit", WEATHER)).toContain("20 messages");
  expect(whyEnded("manual", WEATHER)).toContain("by hand");
  expect(whyEnded("moved away", WEATHER)).toContain("moved away");
});

test("what is known of earlier talk outlasts the replies of its session", () => {
  const before = known({ carriedOver: "Ada asked for Rome.", summary: "old" });
  const reply = known({ conversationCount: 2 }).session;
  expect(retold(before, reply)).toMatchObject({ carriedOver: "Ada asked for Rome.", conversationCount: 2 });
  expect(retold(before, { ...reply, sessionId: "session:ada:2" })).not.toHaveProperty("carriedOver");
  expect(retold(null, reply)).toEqual(reply);
});

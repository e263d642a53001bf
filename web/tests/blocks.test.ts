import { expect, test } from "vitest";
import { blocks } from "../src/chat/blocks";

test("paragraphs are pieces, and together the text again", () => {
  const text = "One.\n\nTwo,\nstill two.\n\n\nThree.";
  expect(blocks(text)).toEqual(["One.\n\n", "Two,\nstill two.\n\n\n", "Three."]);
});

test("a fenced block is one piece, blank lines and all", () => {
  const text = "Look:\n\n```py\na = 1\n\nb = 2\n~~~\n```\n\nDone.";
  expect(blocks(text)).toEqual(["Look:\n\n", "```py\na = 1\n\nb = 2\n~~~\n```\n\n", "Done."]);
});

test("a list with blank lines between its items is not torn", () => {
  expect(blocks("1. a\n\n2. b\n\n   more of b\n\n- c\n")).toHaveLength(1);
});

test("a fence that is still open goes on to the end", () => {
  expect(blocks("```\na\n\nb\n\nc")).toHaveLength(1);
});

test("whatever the text, nothing is lost", () => {
  const parts = ["word", "\n", "\n\n", "```", "~~~~", "- a", "1. b", "   ", "| x |", "> q", "\r\n"];
  let seed = 7;
  for (let run = 0; run < 500; run++) {
    let text = "";
    for (let index = 0; index < 30; index++) text += parts[(seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % parts.length];
    expect(blocks(text).join("")).toBe(text);
  }
});

// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Markdown } from "../src/ui/Markdown";

afterEach(cleanup);

function drawn(text: string): HTMLElement {
  return render(<Markdown text={text} />).container;
}

const ALLOWED = new Set(
  "DIV P A SPAN STRONG EM DEL CODE PRE UL OL LI TABLE THEAD TBODY TR TH TD BLOCKQUOTE HR BR H3 H4 H5 H6 INPUT BUTTON SVG PATH RECT LINE SUP SECTION".split(" "),
);

const ATTACKS = [
  "<script>window.hit = 1</script>",
  '<img src=x onerror="window.hit = 1">',
  "<svg onload=alert(1)>",
  '<iframe src="https://evil.example"></iframe>',
  "[click](javascript:alert(1))",
  "[click](JaVaScRiPt:alert(1))",
  "[click](java\tscript:alert(1))",
  "[click](data:text/html,<script>alert(1)</script>)",
  "[click](vbscript:msgbox(1))",
  "![pixel](https://evil.example/pixel.png)",
  "![pixel](javascript:alert(1))",
  "<a href='javascript:alert(1)'>x</a>",
  '[x](https://a.example "onmouseover=alert(1)")',
  "<https://ok.example> <javascript:alert(1)>",
  "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
  "```html\n<script>alert(1)</script>\n```",
  '<form action="https://evil.example"><input name=password></form>',
  "<style>body { display: none }</style>",
  '<base href="https://evil.example">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  "[ref]\n\n[ref]: javascript:alert(1)",
];

test.each(ATTACKS)("is inert: %s", (attack) => {
  const found = drawn(attack);
  for (const element of found.querySelectorAll("*")) {
    expect(ALLOWED).toContain(element.tagName.toUpperCase());
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^on|^style$|^srcdoc$/);
      if (name === "href") expect(value).toMatch(/^(https?:|mailto:)/);
      expect(name).not.toBe("src");
    }
  }
  expect((window as { hit?: number }).hit).toBeUndefined();
});

test("HTML in a reply is shown as it was written", () => {
  expect(drawn("Use <b>bold</b> here").textContent).toContain("<b>bold</b>");
});

test("links open elsewhere, and do not say where they were found", () => {
  const link = drawn("[here](https://a.example/x?y=1)").querySelector("a")!;
  expect(link.getAttribute("href")).toBe("https://a.example/x?y=1");
  expect(link.getAttribute("target")).toBe("_blank");
  expect(link.getAttribute("rel")).toBe("noopener noreferrer nofollow");
});

test("tables, code, lists and tasks are drawn", () => {
  const found = drawn("| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nprint(1)\n```\n\n1. one\n2. two\n\n- [x] done\n");
  expect(found.querySelectorAll("td")).toHaveLength(2);
  expect(found.querySelector("pre code")!.textContent).toBe("print(1)\n");
  expect(found.querySelectorAll("ol li")).toHaveLength(2);
  expect(found.querySelector<HTMLInputElement>("input[type=checkbox]")!.checked).toBe(true);
});

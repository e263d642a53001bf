import { Check, Copy, ImageOff } from "lucide-react";
import { memo, useDeferredValue, useMemo, useRef, useState, type ComponentProps, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import { blocks } from "../chat/blocks";

// What a reply may hold. HTML in it is never parsed at all (`htmlAsText`); this fence stands behind that one.
const SCHEMA = {
  ...defaultSchema,
  tagNames: (defaultSchema.tagNames ?? []).filter((name) => !["picture", "source"].includes(name)),
  protocols: { ...defaultSchema.protocols, href: ["http", "https", "mailto"], src: ["http", "https"] },
};

interface Node {
  type: string;
  value?: string;
  children?: Node[];
}

/** HTML in a reply is text: it is shown as it was written. */
function htmlAsText() {
  const walk = (node: Node): void => {
    if (!node.children) return;
    node.children = node.children.map((child) => {
      if (child.type !== "html") {
        walk(child);
        return child;
      }
      const text = { type: "text", value: child.value ?? "" };
      return ["root", "blockquote", "listItem"].includes(node.type) ? { type: "paragraph", children: [text] } : text;
    });
  };
  return walk;
}

const WEB = /^(https?:|mailto:)/i;

const COMPONENTS: Components = {
  a: ({ href, children }) =>
    href && WEB.test(href) ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  // Pictures from elsewhere would tell that somebody what is read here, and when: they are links.
  img: ({ src, alt }) => {
    const address = typeof src === "string" && /^https?:/i.test(src) ? src : null;
    const text = (
      <>
        <ImageOff aria-hidden /> {alt || "Picture"}
      </>
    );
    return address ? (
      <a className="picture" href={address} target="_blank" rel="noopener noreferrer nofollow">
        {text}
      </a>
    ) : (
      <span className="picture">{text}</span>
    );
  },
  table: ({ children }) => (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
  pre: (props) => <Code {...props} />,
  h1: ({ children }) => <h3>{children}</h3>,
  h2: ({ children }) => <h3>{children}</h3>,
  h3: ({ children }) => <h4>{children}</h4>,
  h4: ({ children }) => <h5>{children}</h5>,
  input: ({ checked }) => <input type="checkbox" checked={!!checked} disabled aria-label={checked ? "done" : "to do"} />,
};

function Code({ children }: ComponentProps<"pre">) {
  const ref = useRef<HTMLPreElement>(null);
  return (
    <div className="code">
      <CopyButton text={() => ref.current?.textContent ?? ""} label="Copy the code" />
      <pre ref={ref} tabIndex={0}>
        {children}
      </pre>
    </div>
  );
}

/** Copies, and shows for a moment that it did. */
export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await put(text());
    setDone(true);
    setTimeout(() => setDone(false), 1_500);
  };
  return (
    <button className="icon-button copy" aria-label={done ? "Copied" : label} title={label} onClick={() => void copy()}>
      {done ? <Check /> : <Copy />}
    </button>
  );
}

async function put(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not a secure page, or not allowed: the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

const Piece = memo(function Piece({ text }: { text: string }): ReactNode {
  return (
    <ReactMarkdown remarkPlugins={[remarkGfm, htmlAsText]} rehypePlugins={[[rehypeSanitize, SCHEMA]]} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  );
});

/** A reply, drawn piece by piece: what is finished is not drawn again while the rest arrives. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const shown = useDeferredValue(text);
  const pieces = useMemo(() => blocks(shown), [shown]);
  return (
    <div className="prose">
      {pieces.map((piece, index) => (
        <Piece key={index} text={piece} />
      ))}
    </div>
  );
});

import { ArrowDown, CircleStop, EllipsisVertical, MessageSquarePlus, ShoppingCart } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { useLocation } from "wouter";
import { face } from "../assistants";
import { uuid } from "../ids";
import { queries, useCart } from "../net/queries";
import type { About, AssistantInfo } from "../net/types";
import { Dialog } from "../ui/Dialog";
import { Menu, type Item } from "../ui/Menu";
import { trying } from "../ui/toast";
import { Cart } from "./Cart";
import { Composer, type ComposerHandle } from "./Composer";
import { conversation, type TurnView } from "./conversation";
import { Earlier } from "./Earlier";
import { Ended } from "./Ended";
import { plain, Turn } from "./Turn";
import { SessionMeter } from "./SessionMeter";
import { Starters } from "./Starters";

interface Props {
  about: About;
  assistant: AssistantInfo;
  id: string;
}

export default function Talk({ about, assistant, id }: Props) {
  const talk = conversation(assistant, id);
  const state = useSyncExternalStore(talk.subscribe, talk.snapshot);
  const { icon: Icon, title } = face(assistant.name);
  const composer = useRef<ComposerHandle>(null);
  const [, go] = useLocation();
  const [cartOpen, setCartOpen] = useState(false);
  const shop = assistant.name === "shopping";
  const cart = useCart(id, shop);
  const count = cart.data?.items.reduce((sum, item) => sum + item.quantity, 0) ?? 0;
  const closeCart = useCallback(() => setCartOpen(false), []);

  useEffect(() => {
    document.title = `${title} · Parley`;
    void talk.load();
    const back = (): void => {
      if (!document.hidden) void talk.load();
    };
    document.addEventListener("visibilitychange", back);
    return () => document.removeEventListener("visibilitychange", back);
  }, [talk, title]);

  const last = state.turns.at(-1);
  const busy = talk.busy;
  useEffect(() => {
    if (shop && !busy) void queries.invalidateQueries({ queryKey: ["cart", id] });
  }, [shop, busy, id]);

  const items: Item[] = [
    assistant.subject === "session"
      ? { label: "New conversation", icon: MessageSquarePlus, onSelect: () => go(`/talk/${assistant.name}/${uuid()}`) }
      : {
          label: "New session",
          icon: MessageSquarePlus,
          onSelect: () =>
            void trying(async () => {
              await talk.end();
              talk.clear();
              composer.current?.focus();
            }),
        },
    ...(state.known && !assistant.policy.archive
      ? [{ label: "End this session", icon: CircleStop, onSelect: () => void trying(() => talk.end()) }]
      : []),
  ];

  return (
    <div className="talk-page" data-assistant={assistant.name}>
      <section className="talk" aria-label={`Conversation with ${title}`}>
        <header className="talk-head">
          <span className="badge">
            <Icon aria-hidden />
          </span>
          <div className="talk-title">
            <h1>{title}</h1>
            <p>{assistant.summary.replace(/\.$/, "")}</p>
          </div>
          <SessionMeter known={state.known} policy={assistant.policy} onOver={() => void talk.check().catch(() => undefined)} />
          {shop && (
            <button className="icon-button cart-button" aria-label={`Cart, ${count} items`} onClick={() => setCartOpen(true)}>
              <ShoppingCart />
              {count > 0 && <b aria-hidden>{count}</b>}
            </button>
          )}
          <Menu label="Conversation" trigger={<EllipsisVertical />} items={items} />
        </header>
        <Scroll turns={state.turns}>
          {state.loadError && !state.loaded && (
            <p className="banner" role="alert">
              {state.loadError}{" "}
              <button className="link" onClick={() => void talk.load()}>
                Try again
              </button>
            </p>
          )}
          {state.more && (
            <button className="button small earlier" onClick={() => void trying(() => talk.earlier())}>
              Show earlier messages
            </button>
          )}
          {state.loaded && state.turns.length === 0 && (
            <Starters
              about={about}
              assistant={assistant}
              onPick={(text) => (text.includes("[") ? composer.current?.fill(text) : talk.send(text))}
            />
          )}
          <Earlier session={state.known?.session} onOpen={() => void talk.check().catch(() => undefined)} />
          <ol className="turns">
            {state.turns.map((turn, index) => (
              <Turn
                key={turn.id}
                turn={turn}
                assistant={assistant}
                conversationId={id}
                newSession={index > 0 && isAnother(state.turns[index - 1]!, turn)}
                last={index === state.turns.length - 1}
                busy={busy}
                onRetry={() => talk.again(turn.id)}
                onAskAgain={() => talk.send(turn.message)}
                onEdit={() => {
                  composer.current?.fill(turn.message);
                  if (turn.state === "failed") talk.takeBack(turn.id);
                }}
              />
            ))}
          </ol>
          {state.ended && !busy && !assistant.policy.archive && (
            <Ended
              reason={state.ended.reason}
              policy={assistant.policy}
              onGoOn={() => {
                talk.goOn();
                composer.current?.focus();
              }}
            />
          )}
          {state.loaded && !state.ended && !state.known && !busy && !assistant.policy.archive && state.turns.length > 0 && (
            <p className="divider">
              <span>A new session begins with your next message</span>
            </p>
          )}
        </Scroll>
        <Announcer turn={last} title={title} />
        <Composer
          ref={composer}
          assistant={assistant}
          id={id}
          most={about.maxMessageChars}
          busy={busy}
          offline={about.model.offline}
          onSend={(text) => talk.send(text)}
          onStop={() => void trying(() => talk.stop())}
          onEditLast={() => {
            const mine = state.turns.findLast((turn) => turn.message);
            if (mine) composer.current?.fill(mine.message);
          }}
        />
      </section>
      {shop && (
        <aside className="cart-side" aria-label="Cart">
          <Cart id={id} />
        </aside>
      )}
      {cartOpen && (
        <Dialog title="Cart" onClose={closeCart}>
          <Cart id={id} bare />
        </Dialog>
      )}
    </div>
  );
}

const isAnother = (before: TurnView, turn: TurnView): boolean =>
  !!before.sessionId && !!turn.sessionId && before.sessionId !== turn.sessionId;

/** Keeps to the newest words, unless one has scrolled up to read. */
function Scroll({ turns, children }: { turns: TurnView[]; children: React.ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [away, setAway] = useState(false);
  const number = turns.length;
  const down = useCallback(() => {
    const box = ref.current!;
    box.scrollTop = box.scrollHeight;
  }, []);
  useLayoutEffect(() => {
    following.current = true; // one's own message is always shown
    down();
  }, [number, down]);
  useEffect(() => {
    const watcher = new ResizeObserver(() => following.current && down());
    watcher.observe(inner.current!);
    watcher.observe(ref.current!);
    return () => watcher.disconnect();
  }, [down]);
  return (
    <div className="scroll-box">
      <div
        ref={ref}
        className="scroll"
        tabIndex={0}
        role="region"
        aria-label="Messages"
        onScroll={() => {
          const box = ref.current!;
          following.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
          setAway(!following.current);
        }}
      >
        <div ref={inner} className="scroll-inner">
          {children}
        </div>
      </div>
      {away && (
        <button className="icon-button to-newest" aria-label="To the newest message" onClick={down}>
          <ArrowDown />
        </button>
      )}
    </div>
  );
}

/** Says a new reply to those who can't see it: once, when it is whole. */
function Announcer({ turn, title }: { turn: TurnView | undefined; title: string }) {
  const said =
    turn?.mine && turn.state === "done"
      ? `${title}: ${plain(turn.response).slice(0, 1_000)}`
      : turn?.mine && turn.state === "failed"
        ? `Not sent. ${turn.error?.message ?? ""}`
        : turn?.mine && turn.state === "stopped"
          ? `${title} was stopped.`
          : "";
  return (
    <div className="hidden" aria-live="polite" aria-atomic="true">
      {said}
    </div>
  );
}

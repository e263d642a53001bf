import { Activity, History, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useState, useSyncExternalStore, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { face, inOrder } from "./assistants";
import { remembered, subscribe } from "./chat/registry";
import { forgetKey } from "./net/key";
import { useStatus } from "./net/queries";
import type { About } from "./net/types";
import { Logo } from "./ui/Logo";
import { setTheme, theme, type Theme } from "./ui/theme";

const RECENT = 7;

export function Shell({ about, children }: { about: About; children: ReactNode }) {
  const [path] = useLocation();
  const assistants = inOrder(about.assistants);
  const known = new Set(assistants.map((each) => each.name));
  const recent = useSyncExternalStore(subscribe, remembered)
    .filter((each) => known.has(each.assistant))
    .slice(0, RECENT);
  const at = (prefix: string): "page" | undefined => (path === prefix || path.startsWith(`${prefix}/`) ? "page" : undefined);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the conversation
      </a>
      <nav className="rail" aria-label="Parley">
        <Link href="/" className="brand" aria-label="Parley, home">
          <Logo />
          <span>Parley</span>
        </Link>
        <ul className="rail-assistants">
          {assistants.map(({ name }) => {
            const { icon: Icon, title } = face(name);
            return (
              <li key={name}>
                <Link href={`/talk/${name}`} className="rail-link assistant" data-assistant={name} aria-current={at(`/talk/${name}`)}>
                  <span className="badge">
                    <Icon aria-hidden />
                  </span>
                  <span>{title}</span>
                </Link>
              </li>
            );
          })}
        </ul>
        {recent.length > 0 && (
          <div className="rail-recent">
            <h2>Recent</h2>
            <ul>
              {recent.map((each) => (
                <li key={`${each.assistant} ${each.id}`}>
                  <Link
                    href={address(about, each.assistant, each.id)}
                    data-assistant={each.assistant}
                    aria-current={at(address(about, each.assistant, each.id))}
                  >
                    <i className="dot" aria-hidden />
                    <span>{each.name}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        )}
        <ul className="rail-places">
          <li>
            <Link href="/conversations" className="rail-link" aria-current={at("/conversations")}>
              <History aria-hidden />
              <span>Conversations</span>
            </Link>
          </li>
          {about.caller.admin && (
            <li>
              <Link href="/dashboard" className="rail-link" aria-current={at("/dashboard")}>
                <Activity aria-hidden />
                <span>Dashboard</span>
              </Link>
            </li>
          )}
        </ul>
        <div className="rail-foot">
          <ThemeButton />
          {about.caller.authentication && (
            <button
              className="icon-button"
              aria-label="Sign out"
              title="Sign out"
              onClick={() => {
                forgetKey();
                location.assign("/");
              }}
            >
              <LogOut />
            </button>
          )}
          <span className="rail-model" title={about.model.offline ? "No language model is set: replies follow plain rules" : "The model that answers"}>
            {about.model.offline ? "Offline model" : about.model.name}
          </span>
        </div>
      </nav>
      <main id="main" className="main" tabIndex={-1}>
        <Degraded />
        {children}
      </main>
    </div>
  );
}

/** The page of a conversation. Assistants that know users have one each. */
export function address(about: About, assistant: string, id: string): string {
  const ofUser = about.assistants.find((each) => each.name === assistant)?.subject === "user";
  return ofUser ? `/talk/${assistant}` : `/talk/${assistant}/${id}`;
}

function ThemeButton() {
  const [chosen, setChosen] = useState<Theme>(theme);
  const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
  const Icon = { system: Monitor, light: Sun, dark: Moon }[chosen];
  const label = `Colours: ${{ system: "as your device has them", light: "light", dark: "dark" }[chosen]}`;
  return (
    <button
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        setTheme(next[chosen]);
        setChosen(next[chosen]);
      }}
    >
      <Icon />
    </button>
  );
}

function Degraded() {
  const { data, isError } = useStatus();
  const text = isError
    ? "The server does not answer at the moment. What you send is kept here and goes out when it is back."
    : data?.status === "degraded"
      ? "The session store is away. You can go on talking: Parley keeps what is said and writes it back when the store returns."
      : "";
  return (
    <div role="status" className={text ? "banner" : "banner none"}>
      {text}
    </div>
  );
}

import { ArrowRight, History } from "lucide-react";
import { Link } from "wouter";
import { face, inOrder } from "./assistants";
import type { About, Policy } from "./net/types";
import { span } from "./chat/meter";
import { Logo } from "./ui/Logo";

export function Welcome({ about }: { about: About }) {
  return (
    <div className="welcome">
      <header>
        <Logo />
        <h1>Who would you like to talk to?</h1>
        <p>
          Every conversation lives in a session that ends by itself, so nothing is kept longer than it should be. You
          always see how much of it is left.
        </p>
      </header>
      <ul className="welcome-cards">
        {inOrder(about.assistants).map(({ name, summary, policy }) => {
          const { icon: Icon, title, starters } = face(name);
          return (
            <li key={name}>
              <Link href={`/talk/${name}`} className="welcome-card" data-assistant={name}>
                <span className="badge large">
                  <Icon aria-hidden />
                </span>
                <h2>{title}</h2>
                <p>{summary.replace(/\.$/, "")}.</p>
                {starters[0] && <q>{starters[0]}</q>}
                <small>{inShort(policy)}</small>
                <ArrowRight className="go" aria-hidden />
              </Link>
            </li>
          );
        })}
        <li>
          <Link href="/conversations" className="welcome-card past">
            <span className="badge large">
              <History aria-hidden />
            </span>
            <h2>What was said</h2>
            <p>Find an old conversation again, read it, go on with it, or take it with you.</p>
            <ArrowRight className="go" aria-hidden />
          </Link>
        </li>
      </ul>
      {about.model.offline && (
        <p className="note">
          No language model is set on this server, so the <strong>offline model</strong> answers: plain rules, the real
          assistants, tools and sessions.
        </p>
      )}
    </div>
  );
}

/** `Ends after 15 minutes of silence, 30 minutes or 20 messages`. */
export function inShort(policy: Policy): string {
  if (policy.archive) return "Kept in the archive until you delete it";
  const limits = [
    policy.inactivity && `${span(policy.inactivity)} of silence`,
    policy.duration && span(policy.duration),
    policy.maxTurns && `${policy.maxTurns} messages`,
  ].filter(Boolean) as string[];
  const last = limits.pop();
  return `Ends after ${limits.length ? `${limits.join(", ")} or ${last}` : last}`;
}

import { useQuery } from "@tanstack/react-query";
import { face } from "../assistants";
import { ask } from "../net/http";
import type { About, AssistantInfo } from "../net/types";
import { inShort } from "../Welcome";

interface Template {
  id: string;
  title: string;
  description: string;
  category: string;
  prompt: string;
}

/** An empty conversation: a greeting, and what one might say. */
export function Starters({ about, assistant, onPick }: { about: About; assistant: AssistantInfo; onPick: (text: string) => void }) {
  const { icon: Icon, greeting, starters, title } = face(assistant.name);
  const templates = useQuery({
    queryKey: ["templates"],
    queryFn: () => ask<{ templates: Template[] }>("/api/templates/"),
    enabled: assistant.policy.archive,
    retry: false,
    staleTime: Infinity,
  });
  return (
    <div className="starters">
      <span className="badge huge">
        <Icon aria-hidden />
      </span>
      <h2>{greeting}</h2>
      <p className="quiet">
        {inShort(assistant.policy)}.{about.model.offline && " The offline model answers."}
      </p>
      <ul>
        {starters.map((text) => (
          <li key={text}>
            <button className="starter" onClick={() => onPick(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
      {templates.data && templates.data.templates.length > 0 && (
        <details className="templates">
          <summary>More ways to begin with {title}</summary>
          <ul>
            {templates.data.templates.map((each) => (
              <li key={each.id}>
                <button className="template" onClick={() => onPick(each.prompt)}>
                  <b>{each.title}</b>
                  <span>{each.description}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

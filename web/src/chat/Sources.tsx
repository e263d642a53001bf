import { ExternalLink } from "lucide-react";
import type { Source } from "../net/types";

/** What a reply was made from. */
export function Sources({ sources }: { sources: Source[] }) {
  return (
    <section className="sources" aria-label="Sources">
      <h2>Sources</h2>
      <ol>
        {sources.map((source, index) => (
          <li key={`${source.url} ${index}`}>
            {/^https?:/i.test(source.url) ? (
              <a href={source.url} target="_blank" rel="noopener noreferrer nofollow">
                {source.title} <ExternalLink aria-label="(elsewhere)" />
              </a>
            ) : (
              <b>{source.title}</b>
            )}
            {source.published && <time dateTime={source.published}>{source.published.slice(0, 10)}</time>}
            {source.snippet && <p>{source.snippet}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}

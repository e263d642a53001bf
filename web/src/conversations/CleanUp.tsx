import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ask } from "../net/http";
import { Confirm } from "../ui/Confirm";
import { tell } from "../ui/toast";
import { count } from "../ui/time";
import { refresh } from "./actions";
import { useSettled } from "./rows";

/** Deletes what nobody has touched for long; how much that is, is said before. */
export function CleanUp({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("30");
  const days = /^\d{1,5}$/.test(text) && Number(text) <= 36_500 ? Number(text) : null;
  const asked = useSettled(days, 200);
  const found = useQuery({
    queryKey: ["old", asked],
    enabled: asked !== null,
    queryFn: () => ask<{ sessions: number }>(`/api/cleanup_sessions/?days_old=${asked}`),
    staleTime: 0,
  });
  const known = days === asked ? found.data?.sessions : undefined;
  return (
    <Confirm
      title="Clean up the archive"
      action={known === undefined ? "Delete" : `Delete ${count.format(known)}`}
      onClose={onClose}
      onConfirm={async () => {
        if (days === null) throw new Error("Say after how many days: a whole number up to 36,500.");
        const { deleted_sessions } = await ask<{ deleted_sessions: number }>("/api/cleanup_sessions/", { body: { days_old: days } });
        await refresh();
        tell(`${count.format(deleted_sessions)} conversations were deleted.`);
      }}
    >
      <label className="stack">
        Delete conversations that nobody has written in for so many days
        <input className="text" inputMode="numeric" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <p role="status">
        {days === null
          ? "A whole number of days, please."
          : known === undefined
            ? found.isError
              ? "How many that are can’t be told right now."
              : "Counting…"
            : known === 0
              ? "There are none: nothing would be deleted."
              : `That are ${count.format(known)} conversations. This can’t be undone.`}
      </p>
    </Confirm>
  );
}

import { useState, type FormEvent } from "react";
import { Dialog } from "../ui/Dialog";
import { rename, setTags } from "./actions";
import type { Row } from "./rows";

/** Another name, or other tags. */
export function Edit({ kind, row, onClose }: { kind: "rename" | "tags"; row: Row; onClose: () => void }) {
  const [text, setText] = useState(kind === "rename" ? row.name : row.tags.join(", "));
  const [wrong, setWrong] = useState("");
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      if (kind === "rename") await rename(row, text.trim());
      else
        await setTags(row, [
          ...new Set(
            text
              .split(",")
              .map((each) => each.trim().toLowerCase())
              .filter(Boolean),
          ),
        ]);
      onClose();
    } catch (error) {
      setWrong((error as Error).message);
    }
  };
  return (
    <Dialog
      title={kind === "rename" ? "Rename" : "Tags"}
      onClose={onClose}
      footer={
        <>
          <button className="button" type="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button primary" form="edit" disabled={kind === "rename" && !text.trim()}>
            Save
          </button>
        </>
      }
    >
      <form id="edit" onSubmit={(event) => void submit(event)}>
        <label className="stack">
          {kind === "rename" ? "Name" : "Tags, separated by commas"}
          <input className="text" value={text} maxLength={kind === "rename" ? 80 : 400} autoFocus onChange={(event) => setText(event.target.value)} />
        </label>
        <p className="wrong" role="alert">
          {wrong}
        </p>
      </form>
    </Dialog>
  );
}

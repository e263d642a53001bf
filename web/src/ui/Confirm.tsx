import { useState, type ReactNode } from "react";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  children: ReactNode;
  action: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something that can't be undone. A failure is told here, and the dialog stays. */
export function Confirm({ title, children, action, onConfirm, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setWrong("");
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setWrong((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <button className="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button danger" disabled={busy} onClick={() => void confirm()}>
            {action}
          </button>
        </>
      }
    >
      {children}
      {wrong && (
        <p role="alert" className="wrong">
          {wrong}
        </p>
      )}
    </Dialog>
  );
}

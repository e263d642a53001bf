import { KeyRound } from "lucide-react";
import { useState, type FormEvent } from "react";
import { ApiError, ask } from "./net/http";
import { forgetKey, keepKey, readKey } from "./net/key";
import { queries } from "./net/queries";
import { Logo } from "./ui/Logo";

export function SignIn() {
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(false);
  const [wrong, setWrong] = useState(readKey() ? "The key that was kept here is not taken any more." : "");
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    forgetKey();
    keepKey(key.trim(), remember);
    try {
      await ask("/assistants");
      await queries.invalidateQueries();
    } catch (error) {
      forgetKey();
      setWrong(error instanceof ApiError && error.status === 401 ? "That key is not known here." : (error as Error).message);
    }
  };
  return (
    <main className="alone">
      <form className="card sign-in" onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>Welcome to Parley</h1>
        <p>This server wants to know who you are. Enter the key that you were given.</p>
        <label>
          <span>Your key</span>
          <span className="field">
            <KeyRound aria-hidden />
            <input
              type="password"
              autoComplete="current-password"
              value={key}
              onChange={(event) => setKey(event.target.value)}
              aria-invalid={!!wrong}
              aria-describedby="sign-in-wrong"
              autoFocus
              required
            />
          </span>
        </label>
        <label className="check">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
          Remember it in this browser
        </label>
        <p id="sign-in-wrong" className="wrong" role="alert">
          {wrong}
        </p>
        <button className="button primary">Come in</button>
      </form>
    </main>
  );
}

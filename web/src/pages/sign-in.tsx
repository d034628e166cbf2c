// For whoever is not signed in: by the link that the server prints, or by an API key.
import { useState } from "preact/hooks";
import { signIn, signInNote } from "../session";
import { Button, Field, Note } from "../ui/controls";

export function SignIn() {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    await signIn({ key: key.trim() });
    setBusy(false);
  }
  return (
    <div class="sign-in">
      <img src="/favicon.svg" alt="" width="48" height="48" />
      <h1>Sign in to Timbre</h1>
      <p class="muted">
        Open the link that <code>timbre serve</code> printed when it started. It works once; the command that it printed
        beside it, <code>timbre keys link --data-dir FOLDER</code> with the folder of this server, makes another.
      </p>
      {signInNote.value && <Note kind="caution">{signInNote.value}</Note>}
      <form class="stack card" onSubmit={submit}>
        <Field label="Or use an API key">
          {(ids) => (
            <input
              {...ids}
              type="password"
              autocomplete="current-password"
              placeholder="sk_…"
              required
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        <Button type="submit" kind="primary" busy={busy}>
          Sign in
        </Button>
      </form>
    </div>
  );
}

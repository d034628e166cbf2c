// For whoever is not signed in: by an account elsewhere, the link that the server prints, or an API key.
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { signInElsewhere } from "../arrival";
import { signIn, signInNote } from "../session";
import { Button, Field, Note } from "../ui/controls";
import { useLoaded } from "../ui/loaded";

export function SignIn() {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const provider = useLoaded((signal) => api.get("/v1/session/provider", { signal }), []).value?.name;
  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    await signIn({ key: key.trim() });
    setBusy(false);
  }
  async function leave() {
    setLeaving(true);
    await signInElsewhere();
    setLeaving(false);
  }
  return (
    <div class="sign-in">
      <img src="/favicon.svg" alt="" width="48" height="48" />
      <h1>Sign in to Timbre</h1>
      {signInNote.value && <Note kind="caution">{signInNote.value}</Note>}
      {provider && (
        <Button kind="primary" busy={leaving} onClick={() => void leave()}>
          Sign in with {provider}
        </Button>
      )}
      <p class="muted">
        {provider ? "Or open" : "Open"} the link that <code>timbre serve</code> printed when it started. It works once;
        the command that it printed beside it, <code>timbre keys link --data-dir FOLDER</code> with the folder of this
        server, makes another.
      </p>
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
        <Button type="submit" kind={provider ? "plain" : "primary"} busy={busy}>
          Sign in
        </Button>
      </form>
    </div>
  );
}

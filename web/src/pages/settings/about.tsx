// What this server is.
import { api } from "../../api/client";
import { session } from "../../session";
import { at, count } from "../../times";
import { Note } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";
import { Of } from "./section";
import type { ServerState } from "./types";

const STORAGE: Record<string, string> = {
  folder: "in the data folder",
  s3: "in an S3 bucket",
  gs: "in a Google Cloud bucket",
  az: "in an Azure container",
};

export function About() {
  const loaded = useLoaded<ServerState>((signal) => api.get("/v1/server", { signal }), []);
  return (
    <Of loaded={loaded}>
      {(server) => (
        <>
          {!server.masterKey && (
            <Note kind="bad">
              There is no master key, so people cannot be kept. Set <code>TIMBRE_MASTER_KEY</code> or{" "}
              <code>TIMBRE_MASTER_KEY_FILE</code>, and start the server again.
            </Note>
          )}
          {server.workers === 0 && (
            <Note kind="bad">
              No worker is alive: recordings wait. Start one with <code>timbre worker</code>.
            </Note>
          )}
          <section class="card">
            <dl class="facts wide">
              <dt>Timbre</dt>
              <dd>{server.version}</dd>
              <dt>Team</dt>
              <dd>{session.value?.team}</dd>
              <dt>People known</dt>
              <dd>{server.people.toLocaleString("en")}</dd>
              <dt>Models</dt>
              <dd>
                {server.defaultPack ?? "none"}{" "}
                <span class="muted">
                  on the {server.device === "cpu" ? "processor" : "graphics card"},{" "}
                  <code>TIMBRE_MODEL={server.model}</code>
                </span>
              </dd>
              <dt>Workers</dt>
              <dd>{count(server.workers, "process", "processes")}</dd>
              <dt>Recordings</dt>
              <dd>{STORAGE[server.storage] ?? server.storage}</dd>
              <dt>Database</dt>
              <dd>version {server.schema}</dd>
              <dt>Voiceprints</dt>
              <dd>{server.masterKey ? "encrypted, with a key of the team" : "none can be kept"}</dd>
              <dt>Signed in until</dt>
              <dd>{session.value?.expiresAt && at(session.value.expiresAt)}</dd>
            </dl>
          </section>
          <p class="small muted">
            Timbre is free software under the Apache licence 2.0.{" "}
            <a href="/licenses.md" target="_blank" rel="noopener">
              Licences
            </a>{" "}
            of what this page is made of;{" "}
            <a href="/openapi.json" target="_blank" rel="noopener">
              the API
            </a>{" "}
            for programs.
          </p>
        </>
      )}
    </Of>
  );
}

// How long what is kept, and who is due to be forgotten.
import { api } from "../../api/client";
import { useLoaded } from "../../ui/loaded";
import { Of } from "./section";
import type { ServerState } from "./types";

export function Retention() {
  const loaded = useLoaded<ServerState>((signal) => api.get("/v1/server", { signal }), []);
  return (
    <>
      <p class="muted">
        Timbre keeps as little as it can. These times are set where the server is started, as environment variables.
      </p>
      <Of loaded={loaded}>
        {(server) => (
          <ul class="card list">
            {server.retention.map((rule) => (
              <li key={rule.name}>
                <div class="grow">
                  <p>{rule.text}</p>
                  <p class="small muted">
                    <code>
                      {rule.setting}={rule.value}
                    </code>
                  </p>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Of>
    </>
  );
}

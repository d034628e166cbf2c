// Settings: what belongs to the team and to the server, one section at a time.
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { query } from "../router";
import { may } from "../session";
import { Note, PageHead } from "../ui/controls";
import { Icon, type IconName } from "../ui/icons";
import { About } from "./settings/about";
import { Audit } from "./settings/audit";
import { Keys } from "./settings/keys";
import { Models } from "./settings/models";
import { Retention } from "./settings/retention";
import { Usage } from "./settings/usage";
import { Webhooks } from "./settings/webhooks";
import "./settings.css";

interface Section {
  name: string;
  text: string;
  icon: IconName;
  scope: string; // without which it shows nothing
  content: ComponentType;
}

const SECTIONS: Section[] = [
  { name: "keys", text: "API keys", icon: "key", scope: "admin", content: Keys },
  { name: "webhooks", text: "Webhooks", icon: "link", scope: "jobs:read", content: Webhooks },
  { name: "models", text: "Models", icon: "box", scope: "admin", content: Models },
  { name: "usage", text: "Usage", icon: "chart", scope: "jobs:read", content: Usage },
  { name: "retention", text: "Retention", icon: "clock", scope: "admin", content: Retention },
  { name: "audit", text: "Audit log", icon: "list", scope: "admin", content: Audit },
  { name: "about", text: "About", icon: "info", scope: "admin", content: About },
];

export function Settings() {
  const asked = query.value.get("at");
  const section = SECTIONS.find((each) => each.name === asked) ?? SECTIONS[0];
  const own = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // Whoever listens to the page hears where they are now, as after any other change of page.
    if (!first.current) own.current?.focus();
    first.current = false;
    own.current?.parentElement
      ?.querySelector("nav [aria-current]")
      ?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [asked]);
  if (!section) return null;
  const Content = section.content;
  return (
    <>
      <PageHead title="Settings" />
      <div class="settings">
        <nav aria-label="Settings">
          {SECTIONS.map((each) => (
            <a key={each.name} href={`/settings?at=${each.name}`} aria-current={each === section ? "true" : undefined}>
              <Icon name={each.icon} />
              {each.text}
            </a>
          ))}
        </nav>
        <section ref={own} tabIndex={-1} class="stack" aria-label={section.text}>
          <h2 class="settings-title">{section.text}</h2>
          {may(section.scope) ? (
            <Content />
          ) : (
            <Note kind="caution">
              The key that this browser signed in with may not see this: it lacks the scope <code>{section.scope}</code>
              . Sign out, and sign in with a key that has it, or with a link of <code>timbre keys link</code>.
            </Note>
          )}
        </section>
      </div>
    </>
  );
}

// A menu under a button: arrow keys, Escape, and closed by whatever happens elsewhere.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./controls";
import { Icon, type IconName } from "./icons";

export interface MenuItem {
  text: string;
  icon?: IconName;
  hint?: string;
  danger?: boolean;
  href?: string; // a download or a page instead of an action
  download?: string;
  onSelect?: () => void;
}

export function Menu({
  label,
  icon,
  items,
  children,
  small,
}: {
  label: string;
  icon?: IconName;
  items: (MenuItem | null | false)[];
  children?: ComponentChildren; // the words on the button; without them its icon alone
  small?: boolean;
}) {
  const [open, setOpen] = useState(false);
  const own = useRef<HTMLDivElement>(null);
  const shown = items.filter((item): item is MenuItem => Boolean(item));

  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => !own.current?.contains(event.target as Node) && setOpen(false);
    document.addEventListener("pointerdown", away);
    document.addEventListener("focusin", away);
    own.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("focusin", away);
    };
  }, [open]);

  function close() {
    setOpen(false);
    own.current?.querySelector<HTMLElement>("button")?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const entries = [...(own.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const target = to[event.key];
    if (event.key === "Escape") close();
    else if (target !== undefined) entries.at(target % entries.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class="menu" ref={own} onKeyDown={open ? onKeyDown : undefined}>
      <Button
        kind={children ? "plain" : "quiet"}
        {...(icon ? { icon } : {})}
        small={small ?? false}
        aria-label={children ? undefined : label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {children}
      </Button>
      {open && (
        <div class="menu-list" role="menu" aria-label={label}>
          {shown.map((item) => {
            const inner = (
              <>
                {item.icon && <Icon name={item.icon} />}
                <span class="grow">
                  {item.text}
                  {item.hint && <span class="menu-hint">{item.hint}</span>}
                </span>
              </>
            );
            const shared = { role: "menuitem", tabIndex: -1, class: item.danger ? "danger" : "" } as const;
            return item.href ? (
              <a key={item.text} {...shared} href={item.href} download={item.download} onClick={() => setOpen(false)}>
                {inner}
              </a>
            ) : (
              <button
                key={item.text}
                type="button"
                {...shared}
                onClick={() => {
                  close();
                  item.onSelect?.();
                }}
              >
                {inner}
              </button>
            );
          })}
        </div>
      )}
    </div>
  );
}

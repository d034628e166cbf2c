// The small parts that every page is made of.
import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon, type IconName } from "./icons";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
  small?: boolean;
  busy?: boolean; // it was pressed, and is at work
};

/** A button; without children it shows its icon alone, and `aria-label` says what it does. */
export function Button({ kind = "plain", icon, small, busy, children, class: more, ...rest }: ButtonProps) {
  const names = ["button", kind, small && "small", !children && "icon-only", more].filter(Boolean).join(" ");
  const title = children ? undefined : rest["aria-label"];
  return (
    <button
      type="button"
      title={title}
      {...rest}
      class={names}
      disabled={Boolean(rest.disabled) || busy}
      aria-busy={busy}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} size={small ? 16 : 20} />}
      {children && <span>{children}</span>}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  kind = "plain",
  icon,
  small,
  children,
  class: more,
  ...rest
}: Pick<ButtonProps, "kind" | "icon" | "small" | "children" | "class"> & { href: string; download?: string }) {
  const names = ["button", kind, small && "small", !children && "icon-only", more].filter(Boolean).join(" ");
  return (
    <a {...rest} class={names}>
      {icon && <Icon name={icon} size={small ? 16 : 20} />}
      {children && <span>{children}</span>}
    </a>
  );
}

/** A label, what is set, and what to know or what is wrong about it. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: ComponentChildren;
  error?: string;
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean }) => ComponentChildren;
}) {
  const id = useId();
  const told = hint || error ? `${id}-told` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": told, "aria-invalid": Boolean(error) })}
      {told && (
        <p id={told} class={error ? "field-error" : "field-hint"}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

export function Check({
  checked,
  onChange,
  children,
  ...rest
}: {
  checked: boolean;
  required?: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
  children: ComponentChildren;
}) {
  return (
    <label class="check">
      <input type="checkbox" {...rest} checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{children}</span>
    </label>
  );
}

/** A few options of which one is chosen. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, ComponentChildren])[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="choice-options">
        {options.map(([option, text]) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Something to know: good, to beware of, or wrong. */
export function Note({
  kind = "info",
  children,
  action,
}: {
  kind?: "info" | "good" | "caution" | "bad";
  children: ComponentChildren;
  action?: ComponentChildren;
}) {
  const icon: IconName = kind === "good" ? "check" : kind === "info" ? "info" : "warn";
  return (
    <div class={`note ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      <Icon name={icon} />
      <div class="grow">{children}</div>
      {action}
    </div>
  );
}

/** What stands where nothing is yet; where it is all that a page has, its title is the page's. */
export function Empty({
  icon,
  title,
  whole,
  children,
  action,
}: {
  icon: IconName;
  title: string;
  whole?: boolean;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      {whole ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children && <p class="muted">{children}</p>}
      {action}
    </div>
  );
}

/** While something loads. */
export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <p class="loading muted" role="status">
      <span class="spinner" aria-hidden="true" /> {what}…
    </p>
  );
}

/** How far something is, 0 to 1; without a value, that it goes on. */
export function Progress({ value, label }: { value?: number; label: string }) {
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value === undefined ? undefined : Math.round(value * 100)}
    >
      <div
        class={value === undefined ? "progress-any" : "progress-part"}
        style={value === undefined ? {} : { width: percent(value) }}
      />
    </div>
  );
}

/** 0.5 → "50%", never less than nothing or more than all. */
export function percent(part: number): string {
  return `${Math.min(100, Math.max(0, part * 100))}%`;
}

export function Tag({
  children,
  kind = "plain",
}: {
  children: ComponentChildren;
  kind?: "plain" | "good" | "caution" | "bad";
}) {
  return <span class={`tag ${kind}`}>{children}</span>;
}

/** The title of a page, and what can be done there. */
export function PageHead({
  title,
  lead,
  children,
}: {
  title: ComponentChildren;
  lead?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div class="grow">
        <h1>{title}</h1>
        {lead && <p class="muted">{lead}</p>}
      </div>
      {children && <div class="row">{children}</div>}
    </header>
  );
}

// The frame of every page: who may see it, where one is, and where one can go.
import { useEffect } from "preact/hooks";
import { announced } from "./announce";
import { away, returns } from "./connection";
import { Identify } from "./pages/identify";
import { useDrop } from "./pages/identify/drop";
import { resume } from "./pages/identify/queue";
import { Listen } from "./pages/listen";
import { People } from "./pages/people";
import { Person } from "./pages/person";
import { Recordings } from "./pages/recordings";
import { Result } from "./pages/result";
import { Review } from "./pages/review";
import { Settings } from "./pages/settings";
import { SignIn } from "./pages/sign-in";
import { route } from "./router";
import type { Route } from "./routes";
import { may, session, signOut } from "./session";
import { chooseTheme, shade, type Theme, theme } from "./theme";
import { Empty, Loading } from "./ui/controls";
import { Icon, type IconName } from "./ui/icons";
import { Menu } from "./ui/menu";
import { Toasts, tellError } from "./ui/toasts";

const PLACES: { to: string; text: string; icon: IconName; pages: Route["page"][]; needs?: string }[] = [
  { to: "/", text: "Identify", icon: "wave", pages: ["identify"], needs: "jobs:write" },
  { to: "/recordings", text: "Recordings", icon: "list", pages: ["recordings", "result"] },
  { to: "/review", text: "Review", icon: "check", pages: ["review"], needs: "speakers:read" },
  { to: "/listen", text: "Listen", icon: "mic", pages: ["listen"], needs: "stream:write" },
  { to: "/people", text: "People", icon: "people", pages: ["people", "person"] },
  { to: "/settings", text: "Settings", icon: "settings", pages: ["settings"] },
];
const TITLES: Record<Route["page"], string> = {
  identify: "Identify",
  recordings: "Recordings",
  result: "Recording",
  review: "Review",
  listen: "Listen",
  people: "People",
  person: "Person",
  settings: "Settings",
  unknown: "Not found",
};

export function App() {
  const signedIn = session.value;
  const unknown = route.value.page === "unknown"; // which is no secret
  useDrop(Boolean(signedIn) && may("jobs:write"));
  useEffect(() => {
    if (signedIn && may("jobs:write")) void resume().catch(() => undefined);
  }, [Boolean(signedIn), returns.value]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      {signedIn && <Header />}
      {away.value && (
        <p class="away" role="alert">
          <Icon name="warn" /> The server does not answer. This page goes on by itself as soon as it does.
        </p>
      )}
      <main id="main" tabIndex={-1}>
        {signedIn || unknown ? <Page /> : signedIn === null ? <SignIn /> : <Loading what="Signing in" />}
      </main>
      <div class="visually-hidden" aria-live="polite" role="status">
        {announced.value}
      </div>
      <Toasts />
    </>
  );
}

function Header() {
  const here = route.value.page;
  return (
    <header class="shell-head">
      <div class="shell-bar">
        <a class="brand" href="/" aria-label="Timbre, to the first page">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span>Timbre</span>
        </a>
        <nav aria-label="Pages">
          {PLACES.filter(({ needs }) => !needs || may(needs)).map((place) => (
            <a key={place.to} href={place.to} aria-current={place.pages.includes(here) ? "page" : undefined}>
              <Icon name={place.icon} />
              <span>{place.text}</span>
            </a>
          ))}
        </nav>
        <Appearance />
      </div>
    </header>
  );
}

function Appearance() {
  const option = (value: Theme, text: string, icon: IconName) => ({
    text,
    icon,
    ...(theme.value === value ? { hint: "chosen" } : {}),
    onSelect: () => chooseTheme(value),
  });
  return (
    <Menu
      label="Appearance and sign-out"
      icon={shade.value === "dark" ? "moon" : "sun"}
      items={[
        option("system", "As the system", "screen"),
        option("light", "Light", "sun"),
        option("dark", "Dark", "moon"),
        {
          text: "Sign out",
          icon: "out",
          ...(session.value?.role && session.value.name
            ? { hint: `${session.value.name}, ${session.value.role}` }
            : {}),
          onSelect: () => void signOut().catch(tellError),
        },
      ]}
    />
  );
}

function Page() {
  const now = route.value;
  useEffect(() => {
    document.title = `${TITLES[now.page]} · Timbre`;
  }, [now.page]);
  switch (now.page) {
    case "identify":
      return may("jobs:write") ? <Identify /> : <Recordings />; // who may only look begins with what there is
    case "recordings":
      return <Recordings />;
    case "result":
      return <Result key={now.job} job={now.job} />;
    case "review":
      return <Review />;
    case "listen":
      return may("stream:write") ? <Listen /> : <Recordings />;
    case "people":
      return <People />;
    case "person":
      return <Person key={now.speaker} speaker={now.speaker} />;
    case "settings":
      return <Settings />;
    case "unknown":
      return (
        <Empty whole icon="search" title="There is no such page" action={<a href="/">To the first page</a>}>
          The address may be mistyped, or the page may have moved.
        </Empty>
      );
  }
}

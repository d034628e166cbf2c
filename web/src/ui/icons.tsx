// Icons: strokes on a 20 × 20 ground, in the colour of the text beside them. They never stand without words for it.
const PATHS = {
  wave: "M3 8v4M7 5v10M11 3v14M15 6v8",
  list: "M4 5.5h12M4 10h12M4 14.5h12",
  people:
    "M7.5 9a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM2.5 16.5c.3-2.8 2.3-4.5 5-4.5s4.7 1.7 5 4.5M13 9a2.3 2.3 0 1 0-.8-4.4M14.5 12.2c1.8.5 2.9 2 3.1 4.3",
  person: "M10 9.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5ZM3.5 17c.5-3.4 3-5 6.5-5s6 1.6 6.5 5",
  settings: "M3 6h7M14 6h3M3 14h3M10 14h7M12 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  sun: "M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z",
  screen: "M3 4.5h14v9H3zM7.5 16.5h5",
  play: "M6 4l10 6-10 6z",
  pause: "M6.5 4v12M13.5 4v12",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  check: "M4 10.5l4 4 8-9",
  chevron: "M5.5 8l4.5 4.5L14.5 8",
  back: "M12 5l-5 5 5 5",
  next: "M8 5l5 5-5 5",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  mic: "M10 12a2.5 2.5 0 0 0 2.5-2.5v-4a2.5 2.5 0 0 0-5 0v4A2.5 2.5 0 0 0 10 12ZM5 9.5a5 5 0 0 0 10 0M10 14.5V17",
  upload: "M10 13V4M6.5 7.5L10 4l3.5 3.5M4 13v3h12v-3",
  download: "M10 4v9M6.5 9.5L10 13l3.5-3.5M4 14v2.5h12V14",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v4.5M11.5 9v4.5",
  edit: "M4 16l.8-3.2L13 4.6l2.4 2.4-8.2 8.2zM11.5 6.1l2.4 2.4",
  merge: "M4 4c0 4 6 3 6 7v5M16 4c0 4-6 3-6 7M7.5 13.5L10 16l2.5-2.5",
  warn: "M10 3.5l7 12.5H3zM10 8.5v3.5M10 14.2v.01",
  info: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 9.3V13.5M10 6.7v.01",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 6v4l2.7 1.8",
  pin: "M7 3.5h6l-.7 5 2.7 3H5l2.7-3zM10 11.5V17",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4",
  zoomIn: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4M9 6.8v4.4M6.8 9h4.4",
  zoomOut: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4M6.8 9h4.4",
  link: "M8.5 11.5l3-3M7.5 9L5.7 10.8a2.5 2.5 0 0 0 3.5 3.5L11 12.5M9 7.5l1.8-1.8a2.5 2.5 0 0 1 3.5 3.5L12.5 11",
  out: "M8 4H4v12h4M8.5 10H17M13.5 6.5L17 10l-3.5 3.5",
  refresh: "M16 10a6 6 0 1 1-1.8-4.3M16 3.5v3.3h-3.3",
  undo: "M7.5 4.5L4 8l3.5 3.5M4 8h8a4 4 0 0 1 0 8H8",
  redo: "M12.5 4.5L16 8l-3.5 3.5M16 8H8a4 4 0 0 0 0 8h4",
  cut: "M10 3v14M5 7.5L2.5 10 5 12.5M15 7.5l2.5 2.5-2.5 2.5",
  copy: "M7.5 7.5h9v9h-9zM12.5 7.5v-4h-9v9h4",
  chart: "M4 16.5V11M10 16.5v-13M16 16.5V7.5",
  box: "M10 3l6.5 3.5v7L10 17l-6.5-3.5v-7zM3.5 6.5L10 10l6.5-3.5M10 10v7",
  key: "M7 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM10 10h7M14 10v3M17 10v2",
  map: "M6 7.5v.01M12 5v.01M14 13v.01M8 14.5v.01M10 10v.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  const dots = name === "more" || name === "map";
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill={name === "play" ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width={dots ? 2.6 : 1.6}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

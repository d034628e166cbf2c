// A map of the voices: who stands near sounds alike. A list says the same in words.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { AlikePair, MapPoint, SpeakerMap } from "../../api/types";
import { go } from "../../router";
import { Button, Empty, Loading, Note } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";
import { colour, initials } from "./avatar";
import { layOut, nextInDirection, type Place } from "./places";

const WIDE = { width: 960, height: 560 };
const NARROW = { width: 440, height: 500 }; // on a phone, where it would be too small to read otherwise
const RADIUS = 15;
const FEW = 40; // people whose names are all written beside them
const ONE = 50; // likeness from which two are probably one

export function VoiceMap({ part }: { part: string }) {
  const { value, error, reload } = useLoaded<SpeakerMap>(
    (signal) => api.get("/v1/speakers/map", { query: { limit: 1000 }, signal }),
    [],
  );
  if (error)
    return (
      <Note kind="bad" action={<Button onClick={() => void reload()}>Try again</Button>}>
        {error}
      </Note>
    );
  if (!value) return <Loading what="Drawing the map" />;
  if (value.points.length < 2)
    return (
      <Empty icon="map" title="A map needs two voices">
        As soon as two people have a recording, this shows how near their voices are to each other.
      </Empty>
    );
  return <Drawn points={value.points} pairs={value.pairs} part={part.toLocaleLowerCase()} />;
}

function Drawn({ points, pairs, part }: { points: MapPoint[]; pairs: AlikePair[]; part: string }) {
  const { width, height } = useMemo(() => (matchMedia("(max-width: 45rem)").matches ? NARROW : WIDE), []);
  const places = useMemo(() => layOut(points, width, height, RADIUS * 3), [points]);
  const byId = useMemo(() => new Map(places.map((place) => [place.speakerId, place])), [places]);
  const [active, setActive] = useState(places[0]?.speakerId ?? "");
  const [shown, setShown] = useState("");
  const svg = useRef<SVGSVGElement>(null);
  const alike = pairs.map(({ speakerIds: [a = "", b = ""], likeness }) => ({ a, b, likeness }));
  const matches = (name: string) => !part || name.toLocaleLowerCase().includes(part);
  useEffect(() => setShown(""), [points]);

  function move(event: KeyboardEvent, from: Place) {
    const directions: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const direction = directions[event.key];
    if (!direction) return;
    event.preventDefault();
    const next = nextInDirection(places, from, direction);
    if (!next) return;
    setActive(next.speakerId);
    svg.current?.querySelector<SVGElement>(`[data-speaker="${next.speakerId}"]`)?.focus();
  }

  // What is pointed at is drawn last, over the others.
  const ordered = [...places].sort((a, b) => Number(a.speakerId === shown) - Number(b.speakerId === shown));
  return (
    <div class="voice-map">
      <figure class="card">
        <svg ref={svg} viewBox={`0 0 ${width} ${height}`} role="group" aria-label="Map of the voices">
          {alike.map(({ a, b }) => {
            const [one, other] = [byId.get(a), byId.get(b)];
            return (
              one &&
              other && (
                <line key={`${a}${b}`} class="map-pair" x1={one.left} y1={one.top} x2={other.left} y2={other.top} />
              )
            );
          })}
          {ordered.map((place) => (
            <g key={place.speakerId} class={matches(place.name) ? "" : "dim"}>
              <a
                href={`/people/${place.speakerId}`}
                data-speaker={place.speakerId}
                class="map-point"
                aria-label={`${place.name}, nearest: ${place.nearest}`}
                tabindex={place.speakerId === active ? 0 : -1}
                onFocus={() => {
                  setActive(place.speakerId);
                  setShown(place.speakerId);
                }}
                onBlur={() => setShown("")}
                onPointerEnter={() => setShown(place.speakerId)}
                onPointerLeave={() => setShown("")}
                onKeyDown={(event) => move(event, place)}
                onClick={(event) => {
                  event.preventDefault();
                  go(`/people/${place.speakerId}`);
                }}
              >
                <circle cx={place.left} cy={place.top} r={RADIUS} style={{ fill: colour(place.speakerId) }} />
                {((places.length <= FEW && !place.crowded) || place.speakerId === shown) && (
                  <text
                    class={place.speakerId === shown ? "map-name shown" : "map-name"}
                    x={place.left}
                    y={place.above ? place.top - RADIUS - 8 : place.top + RADIUS + 17}
                    text-anchor="middle"
                  >
                    {place.name}
                  </text>
                )}
              </a>
              {/* A picture more than a name: no part of what the link is called. */}
              <text
                class="map-initials"
                x={place.left}
                y={place.top}
                dy="0.36em"
                text-anchor="middle"
                aria-hidden="true"
              >
                {initials(place.name)}
              </text>
            </g>
          ))}
        </svg>
        <figcaption class="small muted">
          Who is far apart sounds different. Who is near may sound alike, or differ in what a flat map cannot show; the
          list tells which. Arrow keys go from one voice to the next.
        </figcaption>
      </figure>
      <section class="card stack" aria-label="Who sounds alike">
        <h2>Who sounds alike</h2>
        {alike.length ? (
          <ul class="alike">
            {alike.map(({ a, b, likeness }) => (
              <li key={`${a}${b}`}>
                <p>
                  <a href={`/people/${a}`}>{byId.get(a)?.name}</a> and <a href={`/people/${b}`}>{byId.get(b)?.name}</a>{" "}
                  {likeness >= ONE ? "sound like one person" : "sound alike"}
                </p>
                <p class="small muted">
                  {likeness >= ONE
                    ? "If they are, merge them. If not, add recordings of both."
                    : "More recordings of both make mix-ups rarer."}
                </p>
              </li>
            ))}
          </ul>
        ) : (
          <Note kind="good">All these voices are easily told apart.</Note>
        )}
        <details>
          <summary>Everybody, with the nearest voice</summary>
          <ul class="nearest small">
            {[...places]
              .sort((a, b) => a.name.localeCompare(b.name))
              .map((place) => (
                <li key={place.speakerId}>
                  <a href={`/people/${place.speakerId}`}>{place.name}</a>{" "}
                  <span class="muted">near {place.nearest}</span>
                </li>
              ))}
          </ul>
        </details>
      </section>
    </div>
  );
}

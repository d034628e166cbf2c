// A short piece of sound to listen to: one button. Only one plays at a time.
import { useEffect, useState } from "preact/hooks";
import { Button } from "./controls";
import { tell } from "./toasts";

let playing: { audio: HTMLAudioElement; stop: () => void } | null = null;

export function stopClips(): void {
  playing?.stop();
}

/** With `now` it plays as soon as it is there. */
export function Clip({ src, label, small, now }: { src: string; label: string; small?: boolean; now?: boolean }) {
  const [on, setOn] = useState(false);
  useEffect(() => {
    if (now) toggle();
  }, [now]);
  useEffect(
    () => () => {
      if (playing?.audio.src === new URL(src, location.href).href) playing.stop();
    },
    [src],
  );

  function toggle() {
    const again = on;
    stopClips();
    if (again) return;
    const audio = new Audio(src);
    const stop = () => {
      audio.pause();
      playing = null;
      setOn(false);
    };
    audio.onended = stop;
    playing = { audio, stop };
    setOn(true);
    audio.play().catch(() => {
      stop();
      tell("This clip cannot be played; it may be gone.", { bad: true });
    });
  }
  return (
    <Button
      kind="quiet"
      small={small ?? false}
      icon={on ? "pause" : "play"}
      aria-label={on ? `Stop ${label}` : `Play ${label}`}
      onClick={toggle}
    />
  );
}

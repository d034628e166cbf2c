// How a person sounds, to compare a voice with: the first of their samples that can be listened to.
import { useState } from "preact/hooks";
import { address, api } from "../../api/client";
import { Clip } from "../../ui/clip";
import { Button } from "../../ui/controls";
import { tell, tellError } from "../../ui/toasts";

export function PersonClip({ speakerId, name }: { speakerId: string; name: string }) {
  const [src, setSrc] = useState("");
  async function find() {
    try {
      const { samples } = await api.get("/v1/speakers/{speakerId}", { path: { speakerId } });
      const sample = samples.find(({ hasClip }) => hasClip);
      if (!sample) return tell(`Nothing was kept of ${name} to listen to.`);
      const path = { speakerId, sampleId: sample.id };
      setSrc(address("/v1/speakers/{speakerId}/samples/{sampleId}/audio", { path }));
    } catch (error) {
      tellError(error);
    }
  }
  if (src) return <Clip src={src} label={name} small now />;
  return <Button kind="quiet" small icon="play" aria-label={`Play ${name}`} onClick={find} />;
}

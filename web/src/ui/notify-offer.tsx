// Asked once: whether the browser shall tell when a long recording is done.
import { decideNotify, offered } from "../notify";
import { Button, Note } from "./controls";

export function NotifyOffer() {
  if (!offered.value) return null;
  return (
    <Note
      action={
        <span class="row">
          <Button small icon="check" onClick={() => void decideNotify(true)}>
            Tell me
          </Button>
          <Button small kind="quiet" onClick={() => void decideNotify(false)}>
            No
          </Button>
        </span>
      }
    >
      This takes a while. Shall the browser tell you when it is done?
    </Note>
  );
}

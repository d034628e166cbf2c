import { PageHead } from "../ui/controls";

export function Recordings() {
  return <PageHead title="Recordings" />;
}

import { PageHead } from "../ui/controls";

export function Identify() {
  return <PageHead title="Identify" />;
}

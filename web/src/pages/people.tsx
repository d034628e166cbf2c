import { PageHead } from "../ui/controls";

export function People() {
  return <PageHead title="People" />;
}

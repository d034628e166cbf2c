import { PageHead } from "../ui/controls";

export function Person({ speaker }: { speaker: string }) {
  return <PageHead title="Person" lead={speaker} />;
}

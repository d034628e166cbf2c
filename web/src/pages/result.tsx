import { PageHead } from "../ui/controls";

export function Result({ job }: { job: string }) {
  return <PageHead title="Recording" lead={job} />;
}

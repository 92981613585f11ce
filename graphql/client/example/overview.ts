/** Where people are in each workflow, and enrolling somebody: what a small page needs. */
import { type DripPulse, type FragmentOf, graphql, readFragment, type SubscribeOptions } from "../src/index.ts";

const WorkflowLine = graphql(`
  fragment WorkflowLine on Workflow {
    id
    name
    status
    stepFunnel { totals { active completed failed } }
  }
`);

export const Overview = graphql(
  `
    query Overview($first: Int!) {
      viewer { role organization { name } }
      workflows(first: $first) { totalCount nodes { ...WorkflowLine } }
    }
  `,
  [WorkflowLine],
);

export const Enroll = graphql(`
  mutation Enroll($input: EnrollContactsInput!) {
    enrollContacts(input: $input) {
      createdCount
      userErrors { field code message }
    }
  }
`);

export const Advances = graphql(`
  subscription Advances($workflowId: ID!) {
    enrollmentAdvanced(workflowId: $workflowId) {
      type
      enrollment { id status contact { email } }
    }
  }
`);

/** The addresses of those who are enrolled from now on, as they are; it ends after so many. */
export async function newcomers(
  drippulse: DripPulse,
  workflowId: string,
  count: number,
  options: SubscribeOptions = {},
): Promise<string[]> {
  const found: string[] = [];
  for await (const { enrollmentAdvanced } of drippulse.subscribe(Advances, { workflowId }, options)) {
    const email = enrollmentAdvanced.enrollment?.contact.email;
    if (enrollmentAdvanced.type === "enrollment.created" && email) found.push(email);
    if (found.length === count) break;
  }
  return found;
}

/** One line of text for each workflow, below the organization's name. */
export async function overview(drippulse: DripPulse): Promise<string[]> {
  const { viewer, workflows } = await drippulse.query(Overview, { first: 20 });
  return [`${viewer.organization.name}: ${workflows.totalCount}`, ...workflows.nodes.map(line)];
}

/** How many runs began. */
export async function enroll(drippulse: DripPulse, workflowId: string, emails: readonly string[]): Promise<number> {
  const contacts = emails.map((email) => ({ email }));
  const { enrollContacts } = await drippulse.mutate(Enroll, { input: { workflowId, contacts } });
  const [refused] = enrollContacts.userErrors;
  if (refused !== undefined) throw new Error(refused.message);
  return enrollContacts.createdCount;
}

function line(node: FragmentOf<typeof WorkflowLine>): string {
  const { name, status, stepFunnel } = readFragment(WorkflowLine, node);
  const { active, completed, failed } = stepFunnel.totals;
  return `${name} (${status}): ${active} active, ${completed} completed, ${failed} failed`;
}

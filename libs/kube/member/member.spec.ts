import { describeMembers } from '../../../test/kubernetes/members.js';
import { describeMemberCluster } from './member.suite.js';

describeMembers('member cluster', (flavour) => {
  describeMemberCluster(flavour.name, flavour.traits, async () => {
    const nodes = { count: 2, cpu: '4', memory: '16Gi' };
    const { members, close } = await flavour.start(['member'], nodes);
    const [member] = members;
    if (member === undefined) throw new Error('no member was started');
    return { ...member, nodes: nodes.count, close };
  });
});

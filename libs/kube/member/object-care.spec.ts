import { describeMembers } from '../../../test/kubernetes/members.js';
import { describeObjectCare } from './object-care.suite.js';

describeMembers('care for objects', describeObjectCare);
